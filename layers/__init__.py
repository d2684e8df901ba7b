"""Things: checked tables of parcels, roads and networks, and where they are kept."""

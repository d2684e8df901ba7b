"""Routes beside the page: map layers by view, assets of the map, health."""

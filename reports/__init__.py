"""Papers: exchange files and summaries written from a finished plan, graph or screening."""

"""People, or an LLM, say blind which passages and which answers are good; what follows, and when."""

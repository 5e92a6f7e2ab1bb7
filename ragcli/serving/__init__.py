"""One process keeps the models, the LLM and the index of a configuration warm, for commands and for agents.

command -> client (a Pipeline that asks first) --HTTP, a token-> calls --> desk -> Pipeline
agent   -> MCP over HTTP or stdio ----------------------------> tools --> desk -> Pipeline
"""

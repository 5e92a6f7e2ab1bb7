"""What reranking contributes, measured: judged questions -> Run -> Summary.

A `Run` holds what was observed (candidates, judgements, logits, answers, seconds); a `Summary` is computed
from it alone, so that a saved run gives the same report again.
"""

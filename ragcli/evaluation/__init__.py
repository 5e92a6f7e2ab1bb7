"""What reranking contributes, measured: judged questions -> Run -> Summary.

A `Run` has the observations (candidates, judgements, logits, answers, seconds); a `Summary` is computed
only from it, so that a saved run gives the same report again.
"""

"""The bi-encoder and the cross-encoder: texts become vectors, pairs become logits."""

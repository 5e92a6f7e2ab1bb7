"""Fine-tuning a cross-encoder: recipe -> pairs -> mined examples -> training -> measured gain -> a model
folder.
"""

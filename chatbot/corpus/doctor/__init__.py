"""The corpus doctor: what is counted about corpora, what may be wrong, and what to do about it.

Comes in: the pairs of a pass over corpora, chunk by chunk. Goes out: a `survey.Survey`, and
`advice.Advice` from it. Knows nothing of how it is shown.
"""

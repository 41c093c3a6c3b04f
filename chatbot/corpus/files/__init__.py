"""From names on the command line to lines of text: files, archives, encodings.

Comes in: files, folders, `-`. Goes out: a `text.Text` for each corpus file. Knows nothing of
formats.
"""

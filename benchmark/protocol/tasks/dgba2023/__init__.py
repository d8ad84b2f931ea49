"""The metric set dgba-2023: tasks judged as the study's public code does (arXiv 2305.12066), for comparison alone."""

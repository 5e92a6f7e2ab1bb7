"""Workbooks of Excel, and tables of a sheet."""

"""Homes for sale, with the RESO Data Dictionary's names in snake_case."""

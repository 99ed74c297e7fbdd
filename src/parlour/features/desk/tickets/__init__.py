"""Tickets at the desk: the table and its rows, one ticket's page, and what is changed from either."""

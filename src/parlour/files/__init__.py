"""The bytes that people attach, behind one seam; knows neither tickets nor the database."""

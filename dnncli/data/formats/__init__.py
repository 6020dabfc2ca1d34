"""Files of arrays and images, fetched files, and Parquet out."""

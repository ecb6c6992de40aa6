"""What a stack costs: before it runs, while it idles, and after it has worked."""

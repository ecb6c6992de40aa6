"""The only boto3 of the application: thin clients that functions call."""

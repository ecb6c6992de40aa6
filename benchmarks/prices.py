"""AWS list prices that cost estimates use: US dollars, region us-east-1, on-demand, without the free tier, as of
November 2026.

From the services' public price pages; check them before you rely on an estimate.
"""

PRICES = {
    "step_functions_transition": 0.025 / 1_000,
    "lambda_request": 0.20 / 1_000_000,
    "lambda_gb_second": 0.0000166667,
    "dynamodb_write": 0.625 / 1_000_000,
    "dynamodb_read": 0.125 / 1_000_000,
    "s3_put": 0.005 / 1_000,
    "s3_get": 0.0004 / 1_000,
    "http_api_request": 1.00 / 1_000_000,
    "feature_store_write": 1.25 / 1_000_000,
}

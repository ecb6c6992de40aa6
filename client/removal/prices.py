"""What keeping data costs: AWS list prices in US dollars, on demand, of us-east-1 on 2026-11-30."""

GB = 10**9  # bytes
MONTHLY = {
    "s3.gb_month": 0.023,
    "dynamodb.gb_month": 0.25,
    "dynamodb.backup_gb_month": 0.20,  # point-in-time recovery
    "kms.key": 1.00,
}

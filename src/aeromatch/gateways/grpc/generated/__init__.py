"""What protoc makes of api/grpc/order.proto (tools/generate_grpc.py)."""

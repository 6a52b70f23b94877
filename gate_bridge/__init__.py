"""MQTT in, MQTT out: gates' messages to operations, answers and desired state to gates."""

"""The REST API of sshgateway."""

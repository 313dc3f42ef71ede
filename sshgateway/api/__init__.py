"""The REST API of sshgateway: authorities, shares and live sessions. Has no rules of its own."""

"""The REST API of jobs, in Rescale's wire format: one room per resource."""

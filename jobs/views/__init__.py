"""The pages of jobs: list, form, job page, log, terminal window. They show rows and call verbs; they save nothing."""

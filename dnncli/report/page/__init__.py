"""Results as pages of HTML that stand alone: what somebody mails to a colleague."""

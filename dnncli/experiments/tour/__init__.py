"""The guided tour: what each station's figures show."""

"""The paper's study: every experiment of it trained, measured, drawn and held against its claims, by one command."""

"""The door of the ticket shop: who are you?"""

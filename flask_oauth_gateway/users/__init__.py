"""The app's users: who is signed in, and which user a subject is."""

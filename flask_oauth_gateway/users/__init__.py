"""Who is signed in, and who a subject is; the app knows."""

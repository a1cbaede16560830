"""What every command stands on: the world it shows, the instance it enters, how it prints, how it fails."""

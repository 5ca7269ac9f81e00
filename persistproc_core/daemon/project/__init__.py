"""Projects: what their files say is compared with what runs, approved by a person, brought up and taken down."""

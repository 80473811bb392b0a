"""A synthetic nation: fictitious bodies and workbooks, and the story of three years, for demo and tests."""

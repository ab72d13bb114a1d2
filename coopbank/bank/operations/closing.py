"""Operations on closing."""

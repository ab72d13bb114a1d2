"""Operations on funds."""

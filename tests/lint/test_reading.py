"""The reading grade: what counts, and what it makes of an easy and of a harder text."""

import pytest

from faultline.lint.reading import measure, sentences

EASY = "The cat sat on the mat. It was warm. A dog came in and the cat ran off."
# The first half of Lincoln's speech: for the first years of a high school.
GETTYSBURG = (
    "Four score and seven years ago our fathers brought forth on this continent, a new nation, conceived in Liberty, "
    "and dedicated to the proposition that all men are created equal. Now we are engaged in a great civil war, testing "
    "whether that nation, or any nation so conceived and so dedicated, can long endure. We are met on a great "
    "battle-field of that war. We have come to dedicate a portion of that field, as a final resting place for those "
    "who here gave their lives that that nation might live. It is altogether fitting and proper that we should do this."
)


@pytest.mark.parametrize(("text", "low", "high"), [(EASY, -10.0, 1.0), (GETTYSBURG, 8.0, 11.0)])
def test_the_grade_tells_easy_from_hard(text, low, high):
    assert low < measure([text]).grade < high


def test_the_formula_counts_letters_words_and_sentences():
    found = measure(["One two three. Four."])
    assert (found.sentences, found.words, found.letters) == (2, 4, 15)
    assert found.grade == pytest.approx(4.71 * 15 / 4 + 0.5 * 2 - 21.43)


def test_no_text_has_no_grade():
    assert measure([]).grade == 0


def test_sentences_end_at_their_marks_and_not_within_numbers():
    assert sentences("It takes 0.3 s.\nNobody knows why! Ask?") == ["It takes 0.3 s.", "Nobody knows why!", "Ask?"]

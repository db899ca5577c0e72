"""Addresses of databases: what a URL says, and what it says wrongly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import make_url

from lepta.db import SSL_MODES, Address

# PostgreSQL allows any character but NUL in names; surrogates cannot be encoded.
NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


def test_a_url_says_where_and_who() -> None:
    assert Address.parse("postgresql://ann:secret@db.example:6543/shop") == Address(
        "db.example", 6543, "ann", "shop", "secret"
    )
    assert Address.parse("postgres:///shop") == Address("127.0.0.1", 5432, "postgres", "shop")


def test_a_socket_directory_stands_behind_the_question_mark() -> None:
    found = Address.parse("postgresql://ann@/shop?host=/var/run/postgresql&port=5433")
    assert (found.host, found.port) == ("/var/run/postgresql", 5433)


def test_percent_signs_are_decoded_in_user_password_and_database() -> None:
    found = Address.parse("postgresql://an%40n:p%2Fw%3A%25@h/sh%20op")
    assert (found.user, found.password, found.database) == ("an@n", "p/w:%", "sh op")


@given(user=NAMES, password=NAMES, database=NAMES, mode=st.sampled_from(["", *SSL_MODES]))
def test_an_address_survives_its_own_url_and_sqlalchemys_reading_of_it(
    user: str, password: str, database: str, mode: str
) -> None:
    options = (("ssl", mode),) if mode else ()
    address = Address("db.example", 5432, user, database, password, options)
    assert Address.parse(address.url()) == address
    read = make_url(address.url())
    assert (read.username, read.password, read.database) == (user, password, database)


@pytest.mark.parametrize("mode", SSL_MODES)
def test_sslmode_is_asyncpgs_ssl(mode: str) -> None:
    assert Address.parse(f"postgresql://h/shop?sslmode={mode}").arguments()["ssl"] == mode


@pytest.mark.parametrize(
    "url, reason",
    [
        ("mysql://h/shop", "starts with postgresql://"),
        ("postgresql://h", "names its database"),
        ("postgresql://h/", "names its database"),
        ("postgresql://h/shop?sslmode=maybe", "sslmode=maybe is none of disable"),
        ("postgresql://h/shop?sslmode=", "is none of"),
        ("postgresql://h/shop?connect_timeout=3", "unknown parameter connect_timeout"),
        ("postgresql://h/shop?port=x", "port=x is not a port"),
        ("postgresql://h/shop?port=0", "port=0 is not a port"),
        ("postgresql://h:99999/shop", "[Pp]ort"),
    ],
)
def test_a_url_that_cannot_be_meant_is_refused_in_one_line(url: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as refused:
        Address.parse(url)
    assert "\n" not in str(refused.value)


def test_to_serve_is_the_same_place_without_anybodys_password() -> None:
    address = Address.parse("postgresql://ann:secret@h/shop?sslmode=require")
    serving = address.to_serve()
    assert serving == Address("h", 5432, "lepta_service", "shop", None, (("ssl", "require"),))
    assert serving.serves
    assert not address.serves
    assert serving.to_serve() is serving

"""`lepta`: the command line. Each command imports what it needs when it runs, so that help is quick."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Point-of-sale transaction processing: points, donations, a verifiable ledger, receipts.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
keys = typer.Typer(help="Keys of tills, kiosks, centres, offices.", no_args_is_help=True)
campaigns = typer.Typer(help="Campaign documents.", no_args_is_help=True)
imports = typer.Typer(help="Members, products and stores from CSV files.", no_args_is_help=True)
app.add_typer(keys, name="keys")
app.add_typer(campaigns, name="campaigns")
app.add_typer(imports, name="import")

WHERE = "Where the database is"
DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="A PostgreSQL of yours: postgresql://user@host/database. Or LEPTA_DATABASE_URL in the environment.",
        rich_help_panel=WHERE,
    ),
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Where the embedded database lies. Or LEPTA_DATA_DIR.",
        rich_help_panel=WHERE,
        file_okay=False,
    ),
]
Url = Annotated[str, typer.Option(metavar="URL", help="Where `lepta serve` is.")]
CsvFile = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)]


def main() -> None:
    """Run a command. What the operator can mend is one line on stderr and exit code 2."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        from lepta.commands.faults import sentence

        line = sentence(error)
        if line is None:
            raise
        typer.echo(f"lepta: {line}", err=True)
        sys.exit(2)


@app.command()
def serve(
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes.")] = 1,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Run the service until Ctrl-C or SIGTERM."""
    from lepta.commands import opening, serving

    serving.serve(opening.settings_of(database_url, data_dir), host, port, workers)


@app.command()
def demo(
    *,
    baskets: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Only the day's first N baskets.")
    ] = None,
    serve: Annotated[bool, typer.Option("--serve", help="Leave the service running.")] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 0,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
) -> None:
    """A day of real baskets, from nothing: posts it, shows receipts and balances, verifies everything."""
    from lepta.commands import demonstration

    sys.exit(demonstration.run(database_url, data_dir, baskets=baskets, stay=serve, port=port))


@app.command()
def migrate(*, database_url: DatabaseUrl = None, data_dir: DataDir = None) -> None:
    """Bring the database to this version's schema, as the owner of its tables."""
    from lepta.commands import migrating, opening

    migrating.migrate(opening.settings_of(database_url, data_dir))


@app.command()
def openapi(
    file: Annotated[
        Path | None, typer.Argument(help="Written to this file, else printed.", dir_okay=False)
    ] = None,
) -> None:
    """The API's description (OpenAPI), as JSON."""
    from lepta.commands import describing

    describing.openapi(file)


@app.command()
def replay(
    file: Annotated[
        Path,
        typer.Argument(
            exists=True,
            dir_okay=False,
            readable=True,
            help='NDJSON: a checkout a line, or {"void": …}, {"return": …}.',
        ),
    ],
    *,
    url: Url = "http://127.0.0.1:8000",
    rate: Annotated[float | None, typer.Option(min=0.01, help="At most so many a second.")] = None,
    connections: Annotated[int, typer.Option(min=1, max=1000, help="Sent at once.")] = 16,
    key: Annotated[
        str | None,
        typer.Option(help="A till's or office's key; by default one is made for this run."),
    ] = None,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Post a file of checkouts, voids and returns to a running service. Exit code 1 if any was refused."""
    from lepta.commands import opening, replaying

    settings = opening.settings_of(database_url, data_dir)
    sys.exit(replaying.replay(file, url, settings, rate=rate, connections=connections, key=key))


@app.command()
def verify(
    *,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="An earlier checkpoint that must still hold."
        ),
    ] = None,
    url: Annotated[
        str | None, typer.Option(metavar="URL", help="Compare with this service's.")
    ] = None,
    replay: Annotated[bool, typer.Option("--replay", help="Re-decide every event, too.")] = False,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Check all that can be checked. Exit code 1 and one line a fault if anything is wrong."""
    from lepta.commands import opening, verifying

    settings = opening.settings_of(database_url, data_dir)
    sys.exit(verifying.verify(settings, checkpoint=checkpoint, url=url, replay=replay))


@app.command()
def expire(
    *,
    on: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            help="The day to tell; by default the newest that has begun in all stores of each programme.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what is due; the day may lie ahead.")
    ] = False,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Let points that waited be spent, and those past their last day expire, now. `lepta serve` does so by itself."""
    from lepta.commands import expiring, opening

    settings = opening.settings_of(database_url, data_dir)
    sys.exit(expiring.expire(settings, on.date() if on else None, dry_run=dry_run))


@app.command()
def bench(
    rows: Annotated[
        list[str] | None, typer.Argument(metavar="ROW...", help="Such as P5 P6; by default all.")
    ] = None,
    *,
    json: Annotated[str | None, typer.Option(metavar="FILE|-", help="Also as JSON.")] = None,
    compare: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="An earlier --json to compare with."),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Small and rough, to try it.")] = False,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Measure against pgbench and others in the same run."""
    from lepta.commands import benching

    chosen = tuple(rows or ())
    sys.exit(
        benching.bench(database_url, data_dir, json=json, compare=compare, rows=chosen, quick=quick)
    )


@keys.command("create")
def keys_create(
    *,
    role: Annotated[str, typer.Option(help="till, kiosk, centre, office, auditor or admin.")],
    store: Annotated[str | None, typer.Option(help="Of a till or kiosk.")] = None,
    till: Annotated[str | None, typer.Option(help="Of a till.")] = None,
    party: Annotated[str | None, typer.Option(help="Of a centre.")] = None,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Make a key and print it, nothing else; it is not shown again."""
    from lepta.commands import keyring, opening

    settings = opening.settings_of(database_url, data_dir)
    keyring.create(settings, role=role, store=store, till=till, party=party)


@keys.command("list")
def keys_list(*, database_url: DatabaseUrl = None, data_dir: DataDir = None) -> None:
    """All keys: id, role, scope; never the secret."""
    from lepta.commands import keyring, opening

    keyring.show(opening.settings_of(database_url, data_dir))


@keys.command("revoke")
def keys_revoke(
    key: Annotated[str, typer.Argument(help="The key's id, as `lepta keys list` shows it.")],
    *,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Make a key worthless from now on."""
    from lepta.commands import keyring, opening

    keyring.revoke(opening.settings_of(database_url, data_dir), key)


@campaigns.command("apply")
def campaigns_apply(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, readable=True)],
    *,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Save and publish campaign documents (YAML or JSON, several in a file if parted by `---`)."""
    from lepta.commands import applying, opening

    applying.apply(opening.settings_of(database_url, data_dir), files)


@campaigns.command("simulate")
def campaigns_simulate(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, readable=True)],
    *,
    first: Annotated[
        datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="The first business day.")
    ],
    last: Annotated[
        datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="The last one, included.")
    ],
    json: Annotated[bool, typer.Option("--json", help="As JSON, complete.")] = False,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
) -> None:
    """Try campaign documents on recorded receipts: what they would have given, and who would have paid."""
    from lepta.commands import opening, simulating

    settings = opening.settings_of(database_url, data_dir)
    simulating.run(settings, files, first.date(), last.date(), json=json)


@imports.command("members")
def import_members(
    file: CsvFile, *, database_url: DatabaseUrl = None, data_dir: DataDir = None
) -> None:
    """Columns: id, cards and segments (parted by spaces), first_name, last_name, gender, language, phone, email,
    birthday, tier, joined_on.
    """
    from lepta.commands import importing, opening

    sys.exit(importing.run("members", opening.settings_of(database_url, data_dir), file))


@imports.command("products")
def import_products(
    file: CsvFile, *, database_url: DatabaseUrl = None, data_dir: DataDir = None
) -> None:
    """Columns: sku, name (or name_ru, name_en), categories (parted by spaces), brand."""
    from lepta.commands import importing, opening

    sys.exit(importing.run("products", opening.settings_of(database_url, data_dir), file))


@imports.command("stores")
def import_stores(
    file: CsvFile, *, database_url: DatabaseUrl = None, data_dir: DataDir = None
) -> None:
    """Columns: id, retailer, time_zone, name (or name_ru, name_en), region, currency, language, programme."""
    from lepta.commands import importing, opening

    sys.exit(importing.run("stores", opening.settings_of(database_url, data_dir), file))


if __name__ == "__main__":
    main()

"""What does somebody read who was not there? One HTML file with everything in it."""

from __future__ import annotations

from loadtest.look.document import document
from loadtest.look.page import amount, remarks, spelled
from loadtest.look.plots import drawn
from loadtest.look.ran import Ran
from mesh.html_report import moment, pages
from mesh.plotting import NoPlots


def report(ran: Ran) -> str:
    """The page; without matplotlib it says so where the plots would be."""
    try:
        plots, no_plots = (drawn(ran) if ran.seen.tally.calls else ""), "No call was made."
    except NoPlots as missing:
        plots, no_plots = "", str(missing)
    numbers = document(ran)
    return (
        pages("loadtest.look", {"amount": amount})
        .get_template("report.html.j2")
        .render(
            plan=ran.plan,
            began=moment(ran.began),
            machine=numbers["machine"],
            judgement=ran.judgement,
            missed=[spelled(check) for check in ran.judgement.missed],
            remarks=remarks(ran),
            rpcs=numbers["rpcs"],
            statuses=numbers["statuses"],
            comparison=ran.comparison,
            plots=plots,
            no_plots=no_plots,
        )
    )

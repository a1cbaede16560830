import logging

from oso_dagster.domain.alert import Alert, Raise, Recover, Severity

from oso_dagster.alerting.log import LogChannel


def alert(severity=Severity.ERROR, body="two of three bad"):
    return Alert("shop.sales", severity, "team:shop", "shop.sales is breached", body, "look at the till")


def test_an_alert_is_one_line_with_all_that_is_needed(caplog):
    with caplog.at_level(logging.INFO):
        LogChannel(logging.getLogger("channel")).deliver(Raise(alert(body="two of\nthree bad, 50 %")))
    [record] = caplog.records
    assert record.levelno == logging.ERROR
    assert record.getMessage() == (
        "ALERT shop.sales is breached | key=shop.sales severity=error owner=team:shop"
        " | two of three bad, 50 % | next: look at the till"
    )


def test_a_warning_is_a_warning(caplog):
    LogChannel(logging.getLogger("channel")).deliver(Raise(alert(Severity.WARNING)))
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_a_recovery_is_one_line(caplog):
    LogChannel(logging.getLogger("channel")).deliver(Recover("shop.sales", "all good\nagain"))
    assert [record.getMessage() for record in caplog.records] == ["RECOVERED shop.sales | all good again"]

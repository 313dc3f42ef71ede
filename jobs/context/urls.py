"""Routes of the context broker."""

from django.urls import path

from jobs.context import views
from jobs.node_contract.broker_calls import BrokerCall

urlpatterns = [
    path(BrokerCall.REGISTER.value, views.register, name="context-register"),
    path(BrokerCall.PEERS.value, views.peers, name="context-peers"),
    path(BrokerCall.PROGRESS.value, views.progress, name="context-progress"),
    path(BrokerCall.REPORT.value, views.report, name="context-report"),
]

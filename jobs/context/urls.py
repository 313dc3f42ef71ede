"""Routes of the context broker."""

from django.urls import path

from jobs.context import views

urlpatterns = [
    path("register/", views.register, name="context-register"),
    path("peers/", views.peers, name="context-peers"),
    path("progress/", views.progress, name="context-progress"),
    path("report/", views.report, name="context-report"),
]

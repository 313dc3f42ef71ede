"""Websocket routes of jobs."""

from django.urls import path

from jobs.consumers import JobEventsConsumer

websocket_urlpatterns = [path("ws/jobs/<str:job_id>/events/", JobEventsConsumer.as_asgi())]

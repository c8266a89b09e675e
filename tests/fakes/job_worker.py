"""An image worker of its own process: it says `up`, and drains at SIGTERM."""

import signal
import sys

import django

django.setup()

from generation.background.worker import ImageWorker  # noqa: E402 - needs the set-up

signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # before its threads begin
worker = ImageWorker()
worker.start()
sys.stdout.write("up\n")
sys.stdout.flush()
signal.sigwait({signal.SIGTERM})
worker.drain()

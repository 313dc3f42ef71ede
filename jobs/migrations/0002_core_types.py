"""The catalogue a fresh portal offers. Prices and boot times are simulated, and marked so on the page."""

from decimal import Decimal

from django.db import migrations

CORE_TYPES = [
    ("emerald", "Emerald", "Balanced, for most simulations.", "2 x Xeon Gold 6248R class, 3.0 GHz",
     [1, 2, 4, 8, 18, 36], 4000, 75, "0.0500", 32100, 3.0),
    ("onyx", "Onyx", "High clock speed, for codes that do not scale well.", "Xeon E-2388G class, 5.0 GHz turbo",
     [1, 2, 4, 8, 16], 6000, 60, "0.0850", 22, 4.0),
    ("jade", "Jade", "Large memory, for meshing and direct solvers.", "2 x EPYC 9374F class, 3.85 GHz",
     [2, 4, 8, 16, 32, 64], 16000, 300, "0.1200", 32100, 5.0),
    ("quartz", "Quartz", "Cheap and slower, for trials and long queues.", "Graviton 2 class, 2.5 GHz",
     [1, 2, 4], 2000, 30, "0.0200", 22, 2.0),
]  # fmt: skip


def seed(apps, schema_editor):
    core_type = apps.get_model("jobs", "CoreType")
    for order, row in enumerate(CORE_TYPES):
        code, name, description, processor, cores, memory, storage, price, port, boot = row
        core_type.objects.get_or_create(
            code=code,
            defaults={
                "name": name,
                "description": description,
                "processor": processor,
                "cores": cores,
                "memory_mb_per_core": memory,
                "storage_gb": storage,
                "price_per_core_hour": Decimal(price),
                "ssh_port": port,
                "boot_seconds": boot,
                "display_order": order,
            },
        )


class Migration(migrations.Migration):
    dependencies = [("jobs", "0001_initial")]
    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]

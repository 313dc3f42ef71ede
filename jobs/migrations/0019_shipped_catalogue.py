"""The core types and analyses that programs written for Rescale name by default. Prices and boot times are simulated.

The analyses need no licence. What is not installed on the nodes says so in the job's output instead of failing with a
riddle; administrators add versions, and the script that finds them, as they install software.
"""

from decimal import Decimal

from django.db import migrations

CORE_TYPES = [
    ("emerald_max", "Emerald Max", "Balanced, with large nodes.", "2 x EPYC 9654 class, 3.55 GHz",
     [1, 2, 4, 8, 16, 32, 48, 96], 4000, 150, "0.0550", 32100, 3.0),
    ("granite", "Granite", "Large nodes for codes that scale well.", "2 x Xeon Platinum 8481C class, 3.0 GHz",
     [1, 2, 4, 8, 16, 22, 44, 88], 4000, 150, "0.0520", 32100, 4.0),
    ("hpc-3", "HPC-3", "The usual choice of older programs.", "2 x Xeon E5-2690 v3 class, 2.6 GHz",
     [1, 2, 4, 8, 16, 24], 3500, 60, "0.0600", 22, 3.0),
    ("hpc-plus", "HPC+", "Older nodes with a fast network.", "2 x Xeon E5-2680 class, 2.7 GHz",
     [1, 2, 4, 8, 16], 3000, 60, "0.0600", 22, 3.0),
    ("standard", "Standard", "Small nodes for pre- and post-processing.", "Xeon E5 class, 2.4 GHz",
     [1, 2, 4, 8], 3500, 40, "0.0300", 22, 2.0),
    ("standard-plus", "Standard Plus", "Small nodes with more memory.", "Xeon E5 class, 2.6 GHz",
     [1, 2, 4, 8], 7500, 40, "0.0400", 22, 2.0),
]  # fmt: skip

# code, name, vendor, description, whether any version is accepted
OWN_SOFTWARE = [
    ("user_included", "Bring Your Own Software", "", "Runs any command; bring the program with your input files."),
    ("custom", "Custom", "", "Runs any command, under the name that older programs use."),
    ("user_included_apptainer_container", "Bring Your Own Apptainer Container", "",
     "Runs a container image that is among your input files: apptainer exec image.sif ..."),
    ("user_included_singularity_container", "Bring Your Own Singularity Container", "",
     "Runs a container image that is among your input files: singularity exec image.sif ..."),
]  # fmt: skip

NOT_INSTALLED = '{{ echo "{name} is not installed on this node. Ask your administrator." >&2; exit 127; }}'
CONTAINERS = """\
# Apptainer and Singularity run the same images: each name finds the other.
if ! command -v apptainer >/dev/null && command -v singularity >/dev/null; then
  apptainer() { singularity "$@"; }; export -f apptainer
elif ! command -v singularity >/dev/null && command -v apptainer >/dev/null; then
  singularity() { apptainer "$@"; }; export -f singularity
elif ! command -v apptainer >/dev/null; then
  echo "Apptainer is not installed on this node. Ask your administrator." >&2; exit 127
fi
"""

# code, name, vendor, description, the program that must be there
INSTALLED = [
    ("calculix", "CalculiX", "", "Structural finite elements: ccx.", "ccx"),
    ("cp2k", "CP2K", "", "Quantum chemistry and solid state physics: cp2k.psmp or cp2k.", "cp2k"),
    ("elmer", "Elmer", "CSC", "Multiphysics finite elements: ElmerSolver.", "ElmerSolver"),
    ("gromacs", "GROMACS", "", "Molecular dynamics: gmx.", "gmx"),
    ("lammps", "LAMMPS", "Sandia", "Molecular dynamics: lmp.", "lmp"),
    ("nwchem", "NWChem", "PNNL", "Computational chemistry: nwchem.", "nwchem"),
    ("octave", "GNU Octave", "GNU", "Numerical computations: octave.", "octave"),
    ("python", "Python", "", "Python 3 scripts: python.", "python3"),
    ("quantum_espresso", "Quantum ESPRESSO", "", "Electronic structure: pw.x.", "pw.x"),
    ("su2", "SU2", "", "Computational fluid dynamics: SU2_CFD.", "SU2_CFD"),
]
OPENFOAM = [
    ("openfoam", "OpenFOAM", "OpenFOAM Foundation", ["12", "11", "10"], "/opt/openfoam{v}/etc/bashrc"),
    ("openfoam_plus", "OpenFOAM+", "OpenCFD", ["v2406", "v2312", "v2212"],
     "/usr/lib/openfoam/openfoam{v}/etc/bashrc"),
]  # fmt: skip


def seed_core_types(apps):
    core_type = apps.get_model("jobs", "CoreType")
    first = core_type.objects.count()
    for order, row in enumerate(CORE_TYPES, start=first):
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


def seed_analyses(apps):
    rows = [
        (code, name, vendor, text, [("0", "0", CONTAINERS if "container" in code else "")])
        for code, name, vendor, text in OWN_SOFTWARE
    ]
    for code, name, vendor, versions, place in OPENFOAM:
        scripts = [(v, v, _openfoam(name, v, place.format(v=v.removeprefix("v")))) for v in versions]
        rows.append((code, name, vendor, "Computational fluid dynamics: blockMesh, simpleFoam...", scripts))
    for code, name, vendor, text, program in INSTALLED:
        script = f"command -v {program} >/dev/null || " + NOT_INSTALLED.format(name=name) + "\n"
        rows.append((code, name, vendor, text, [("installed", "as installed on the nodes", script)]))
    analysis, version = apps.get_model("jobs", "Analysis"), apps.get_model("jobs", "AnalysisVersion")
    for order, (code, name, vendor, text, versions) in enumerate(rows):
        row, made = analysis.objects.get_or_create(
            code=code,
            defaults={
                "name": name,
                "vendor_name": vendor,
                "description": text,
                "accepts_any_version": code in {own[0] for own in OWN_SOFTWARE},
                "display_order": order,
            },
        )
        if made:
            for place, (version_code, version_name, script) in enumerate(versions):
                version.objects.create(
                    analysis=row,
                    code=version_code,
                    name=version_name,
                    environment_script=script,
                    display_order=place,
                )


def _openfoam(name, version, path):
    missing = NOT_INSTALLED.format(name=f"{name} {version}")
    return f"[ -r {path} ] || {missing}\n. {path}\n"


def seed(apps, schema_editor):
    seed_core_types(apps)
    seed_analyses(apps)


class Migration(migrations.Migration):
    dependencies = [("jobs", "0018_analysis_analysisversion")]
    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]

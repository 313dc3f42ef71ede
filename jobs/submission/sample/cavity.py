"""Sample job: the flow in a square box whose lid moves (lid-driven cavity, Re = 100), solved in plain Python.

It prints the residuals of each step, as a solver does, for two minutes, and writes residuals.csv and centreline.csv.
"""

import os
import time

N, RE, DT, STEPS = 24, 100.0, 0.03, 240
SECONDS = float(os.environ.get("SAMPLE_SECONDS", "120"))
H = 1.0 / N
psi = [[0.0] * (N + 1) for _ in range(N + 1)]  # stream function
vor = [[0.0] * (N + 1) for _ in range(N + 1)]  # vorticity


def solve_stream_function() -> "tuple[float, float, int]":
    """Relax psi towards the vorticity; return the first and the last change, and the number of sweeps."""
    first = last = 0.0
    sweeps = 0
    while sweeps < 12:
        sweeps += 1
        last = 0.0
        for i in range(1, N):
            for j in range(1, N):
                around = psi[i + 1][j] + psi[i - 1][j] + psi[i][j + 1] + psi[i][j - 1]
                change = 1.6 * (0.25 * (around + H * H * vor[i][j]) - psi[i][j])
                psi[i][j] += change
                last = max(last, abs(change))
        first = first or last
        if last < 1e-9:
            break
    return first, last, sweeps


def move_vorticity() -> float:
    """Advance the vorticity by one step; return the largest change."""
    for k in range(N + 1):
        vor[k][0] = -2.0 * psi[k][1] / H**2
        vor[k][N] = -2.0 * psi[k][N - 1] / H**2 - 2.0 / H
        vor[0][k] = -2.0 * psi[1][k] / H**2
        vor[N][k] = -2.0 * psi[N - 1][k] / H**2
    old, largest = [row[:] for row in vor], 0.0
    for i in range(1, N):
        for j in range(1, N):
            u = (psi[i][j + 1] - psi[i][j - 1]) / (2 * H)
            v = (psi[i - 1][j] - psi[i + 1][j]) / (2 * H)
            flow = u * (old[i + 1][j] - old[i - 1][j]) + v * (old[i][j + 1] - old[i][j - 1])
            spread = old[i + 1][j] + old[i - 1][j] + old[i][j + 1] + old[i][j - 1] - 4 * old[i][j]
            change = DT * (spread / (RE * H * H) - flow / (2 * H))
            vor[i][j] += change
            largest = max(largest, abs(change))
    return largest


def report(solver: str, field: str, first: float, last: float, sweeps: int) -> None:
    """Print the residuals of one field."""
    print(
        f"{solver}:  Solving for {field}, Initial residual = {first:.6g}, "
        f"Final residual = {last:.6g}, No Iterations {sweeps}"
    )


def main() -> None:
    """Run the steps, each in its time, and write the two files."""
    began = time.monotonic()
    scale_vor = scale_psi = 0.0
    with open("residuals.csv", "w") as table:
        table.write("step,vorticity,streamFunction\n")
        for step in range(1, STEPS + 1):
            change = move_vorticity()
            first, last, sweeps = solve_stream_function()
            scale_vor, scale_psi = max(scale_vor, change), max(scale_psi, first)
            print(f"Time = {step}\n")
            report("explicit", "vorticity", change / scale_vor, change / scale_vor, 1)
            report("SOR", "streamFunction", first / scale_psi, last / scale_psi, sweeps)
            print(f"ExecutionTime = {time.monotonic() - began:.2f} s\n", flush=True)
            table.write(f"{step},{change / scale_vor:.6g},{first / scale_psi:.6g}\n")
            table.flush()
            time.sleep(max(0.0, began + step * SECONDS / STEPS - time.monotonic()))
    with open("centreline.csv", "w") as table:
        table.write("y,u\n")
        for j in range(1, N):
            table.write(f"{j * H:.4f},{(psi[N // 2][j + 1] - psi[N // 2][j - 1]) / (2 * H):.6f}\n")
    print("Done. The velocity on the centre line is in centreline.csv, the residuals are in residuals.csv.")


if __name__ == "__main__":
    main()

import { readUntil } from "../cli/program.ts"

/*
 * This machine's files as a copy that can be written to, seen by whoever enters it and by nobody else. What happens there is
 * kept in memory, and forgotten at the end.
 */

export interface Overlay {
  /** What stands in front of a command that runs there, as root. */
  readonly enter: readonly string[]
  /** Where a path of it is for us. */
  path(inside: string): string
  /** No command may be running there any more. */
  end(): Promise<void>
}

const make = `mount -t tmpfs none /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay none -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root
for folder in dev proc; do mount --rbind "/$folder" "/mnt/root/$folder"; done
exec chroot /mnt/root "$@"`

const command = ["unshare", "--mount", "sh", "-ec", make, "sh"]

/** Root may, on Linux, where all that belongs to the system is on one disk. */
export const mayOverlay =
  process.platform === "linux" &&
  process.getuid?.() === 0 &&
  Bun.spawnSync([...command, "test", "-d", "/usr/bin"]).success

export async function overlay(): Promise<Overlay> {
  // It holds the copy until we close its input, or are gone ourselves.
  const holder = Bun.spawn({
    cmd: [...command, "sh", "-c", "echo ready; exec cat"],
    stdin: "pipe",
    stdout: "pipe",
  })
  await readUntil(holder.stdout, "ready")
  return {
    enter: ["nsenter", "--target", String(holder.pid), "--mount", "--root", "--wd"],
    path: (inside) => `/proc/${holder.pid}/root${inside}`,
    end: async () => {
      await holder.stdin.end()
      await holder.exited
    },
  }
}

import { describe, expect, test } from "bun:test"
import { isThisMachine, sourceOf } from "../../../src/security/guard/source-address.ts"

describe("Who answers for an address", () => {
  test.each([
    ["192.0.2.7", "192.0.2.7"],
    ["unix", "unix"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:db8:1:2::6", "2001:db8:1:2::/64"],
    ["2001:0DB8:0001:0002::", "2001:db8:1:2::/64"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["2001:db8::3:4:5:6:7", "2001:db8:0:3::/64"],
    ["::1", "0:0:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["64:ff9b::192.0.2.7", "64:ff9b:0:0::/64"],
  ])("%s: %s", (address, source) => {
    expect(sourceOf(address)).toBe(source)
  })

  test("this machine has addresses of its own", () => {
    expect(["127.0.0.1", "127.8.9.10", "::1", "unix"].every(isThisMachine)).toBe(true)
    expect(["192.0.2.7", "2001:db8::1", "12.7.0.1"].some(isThisMachine)).toBe(false)
  })
})

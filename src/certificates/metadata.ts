/*
 * Where the decorators of @peculiar/x509 look for metadata as soon as that is loaded, so whoever loads it waits for this
 * before. Imports beside each other are not enough: both packages are CommonJS, which Bun runs when it comes to it.
 */
import "reflect-metadata"

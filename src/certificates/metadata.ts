/*
 * Where the decorators of @peculiar/x509 look for metadata: whoever imports that imports this first. A file of its own,
 * for in the executable a CommonJS package runs after the modules beside which it is imported.
 */
import "reflect-metadata"
